@SB
Feature: The server is predictable when it cannot serve
  As the developer of a client I must be able to rely on an answer that says no.
  Who asks the same thing again is told the same thing again,
  and the reason is never that the server itself has failed.

  Rule: What cannot be served is answered alike each time

    @SB-03a @REQ_PZ-13873 @negative @needs_fibre_control
    Example: Without live data the same request is answered alike each time
      Given no connected fibre
      When a client asks twice for a live investigation
      Then both requests are answered alike and without a failure of the server
      And nothing is started

    @SB-03b @REQ_PZ-13873 @negative
    Example: Without recorded data the same request is answered alike each time
      When a client asks twice for a window in which nothing was recorded
      Then both requests are answered alike and without a failure of the server
      And nothing is started

    @SB-03c @REQ_PZ-13873 @disruptive @needs_exclusive_cluster
    Example: With its port in use the same request is answered alike each time
      Given a connected fibre
      And the port of the next investigation is occupied by another service
      When a client asks twice for a live investigation
      Then both requests are answered alike and without a failure of the server
