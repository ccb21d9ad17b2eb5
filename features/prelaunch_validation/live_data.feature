@PV
Feature: A live investigation needs live data
  As a client I want to be told at once when there is nothing to watch,
  instead of being given a job that will never show anything.
  Without a connected fibre the server waits for one and says so.

  Rule: Live data is available before a live investigation opens

    @PV-01a @REQ_PZ-14018 @needs_fibre_control
    Example: As soon as a fibre is connected the investigation opens
      Given no connected fibre
      And a live investigation that could not be opened
      And a fibre that was connected in the end
      When a client opens a live investigation
      Then a job for it is running within its deadline

    @PV-01b @REQ_PZ-14018 @negative @needs_fibre_control
    Example: While the server waits for a fibre the request is refused
      Given no connected fibre
      When a client asks for a live investigation
      Then the request is refused because no fibre is connected
      And the refusal names what is missing and what to do
      And nothing is started

    @PV-01c @REQ_PZ-14018 @needs_fibre_control
    Example: Recorded data can be watched while the server waits for a fibre
      Given no connected fibre
      When a client opens a historic investigation over recorded data
      Then a job for it is running within its deadline
