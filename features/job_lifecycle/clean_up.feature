@JL
Feature: Investigations clean up after themselves
  As the owner of the cluster I expect that what nobody uses disappears by itself:
  investigations nobody connects to, and investigations that have come to their end.
  Only then is there room for the next two hundred.

  Rule: An investigation nobody connects to is cleaned up

    @JL-10a @REQ_PZ-13899 @needs_idle_cleanup
    Example: Everything of an investigation that was left alone disappears
      Given a connected fibre
      When a client opens and leaves alone a live investigation
      Then a job for it is running within its deadline
      And everything that was started for it is gone within the limit for idle investigations
      And its stream port accepts nobody within the deadline

    @JL-10b @REQ_PZ-13899 @needs_idle_cleanup
    Example: Everything of a historic investigation that was left alone disappears
      When a client opens and leaves alone a historic investigation over recorded data
      Then a job for it is running within its deadline
      And everything that was started for it is gone within the limit for idle investigations

    @JL-10c @REQ_PZ-13899 @needs_idle_cleanup @needs_exclusive_cluster
    Example: A client that leaves before it is answered leaves nothing
      Given a connected fibre
      When a client asks for a live investigation and leaves before it is answered
      Then nothing of it is left within the limit for idle investigations

  Rule: A finished investigation is cleaned up

    @JL-11a @REQ_PZ-13899 @needs_playback_end
    Example: Everything of a finished investigation disappears
      When a client opens a historic investigation over a few seconds of recorded data
      Then the job is reported complete when the data has been played
      And everything that was started for it is gone within the limit for finished investigations

    @JL-11b @REQ_PZ-13899 @needs_playback_end @needs_exclusive_cluster
    Example: The slot and the port of a finished investigation are used again
      Given an investigation that has finished and was cleaned up
      When a client opens a live investigation
      Then it is given the same slot and the same port

    @JL-11c @REQ_PZ-13899 @needs_playback_end @needs_exclusive_cluster
    Example: The stream port of a finished investigation is closed
      When a client opens a historic investigation over a few seconds of recorded data
      Then everything that was started for it is gone within the limit for finished investigations
      And its stream port accepts nobody within the deadline
