@JL
Feature: The port of an investigation is really allocated
  As a client I connect to the stream port I was given,
  and expect to reach my own job there and nobody else's.
  A port that is only a number in an answer is of no use to me.

  Rule: The port is really allocated

    @JL-05a @REQ_PZ-13899
    Example: A service of the cluster hands out exactly the port in the answer
      Given a connected fibre
      When a client opens a live investigation
      Then a service for it is published on the port in the answer

    @JL-05b @REQ_PZ-13899
    Example: The service leads to exactly this job
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And its service leads to this job and no other

    @JL-05c @REQ_PZ-13899 @smoke
    Example: A client can connect to the stream port
      Given a connected fibre
      When a client opens a live investigation
      Then a client can connect to its stream port within the deadline
      And its client stays connected

  Rule: Two open investigations never share a port

    @JL-06a @REQ_PZ-13899
    Example: The ports and the services of two open investigations differ
      Given a connected fibre
      And an open investigation
      When a client opens a live investigation
      Then no two open investigations share a port
      And each of them has a service of its own
