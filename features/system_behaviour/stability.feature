@SB
Feature: The server is stable over time
  As the operator of a site I do not restart the server every morning.
  Clients come and go for an hour and longer, and at its end everything is as it was in the beginning:
  as fast, as small, and never restarted in between.

  Rule: The server is stable over time

    @SB-02a @REQ_PZ-13873 @slow @load @needs_metrics
    Example: Investigations come and go for an hour
      Given a connected fibre
      When investigations are opened and released at intervals for a long time
      Then enough of them have opened
      And the server was never restarted
      And its memory does not grow
      And it does not become slower
      And nothing is left of what was opened
