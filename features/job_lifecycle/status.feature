@JL
Feature: The status of a job is visible from its start to its end
  As the operator of a site I want to know whether a job is at work, has finished or has failed,
  so that I never wait for something that is already over.
  A job that fails must not take anything away from the next one.

  Rule: The job's status is visible while it runs and when it ends

    @JL-08a @REQ_PZ-13899
    Example: A running job is reported active
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And the job is reported active and stays so

    @JL-08b @REQ_PZ-13899 @REQ_PZ-15249 @needs_playback_end
    Example: A job whose data has been played is reported complete
      When a client opens a historic investigation over a few seconds of recorded data
      Then the job is reported complete when the data has been played

    @JL-08c @REQ_PZ-13899
    Example: A job whose work is lost is reported failed, with a reason
      Given an open investigation whose job is running
      When the work of its job is lost
      Then the job is reported failed, with a reason

  Rule: A job that fails is not retried for ever and holds nothing back

    @JL-09a @REQ_PZ-13899
    Example: The lost work is not started again
      Given an open investigation whose job is running
      When the work of its job is lost
      Then the job was not started again

    @JL-09b @REQ_PZ-13899
    Example: Slot and port of a failed job are given back
      Given an open investigation whose job is running
      When the work of its job is lost
      Then slot and port of the job are free again within the limit

    @JL-09c @REQ_PZ-13899 @needs_gpu @needs_exclusive_cluster @disruptive
    Example: The GPU slice of a failed job serves the next one
      Given a cluster with one GPU slice free
      And an investigation that has lost its job
      When a client opens a live investigation
      Then a job for it is running within its deadline
