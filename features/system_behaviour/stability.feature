@SB
Feature: The server is stable over time
  As the operator of a site I do not restart the server every morning.
  Clients come and go for an hour and longer, and at its end everything is as it was in the beginning:
  as fast, as small, and never restarted in between.

  Rule: The server is stable over time

    @SB-02a @REQ_PZ-13873 @REQ_PZ-15138 @slow @load @needs_metrics
    Example: The server stays as it was while investigations come and go for an hour
      Given a connected fibre
      When investigations are opened and released at intervals for a long time
      Then in all that time enough of them opened
      And in all that time the server was never restarted
      And in all that time it did not become slower
      And in all that time its memory did not grow
      And in all that time nothing of theirs was left
