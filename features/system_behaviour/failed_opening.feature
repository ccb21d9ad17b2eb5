@SB
Feature: A failed opening leaves nothing behind
  As the operator of a site I know that a cluster may refuse a job at any time.
  An investigation is opened as a whole or not at all:
  what was begun is taken back, and the next client does not notice.

  Rule: A failed opening rolls back

    @SB-04a @REQ_PZ-13873 @negative @disruptive @needs_exclusive_cluster
    Example: An investigation that the cluster takes no job for is refused, and nothing is left
      Given a connected fibre
      And a cluster that takes no further job
      When a client asks for a live investigation
      Then the request is refused because the cluster takes no further job
      And nothing is started

    @SB-04c @REQ_PZ-13873 @negative @disruptive @needs_exclusive_cluster
    Example: An investigation that the cluster gives no port is refused, and nothing is left
      Given a connected fibre
      And a cluster that gives no further port
      When a client asks for a live investigation
      Then the request is refused because the cluster gives no further port
      And nothing is started

    @SB-04b @REQ_PZ-13873 @disruptive @needs_exclusive_cluster
    Example: The next investigation opens
      Given a connected fibre
      And an opening that failed because the cluster took no further job
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And it is the only job that was started

    @SB-04d @REQ_PZ-13873 @disruptive @needs_exclusive_cluster
    Example: The next investigation is given the slot and the port that the failed one was to have
      Given a connected fibre
      And an investigation that was opened and released
      And an opening that failed because the cluster took no further job
      When a client opens a live investigation
      Then it is given the same slot and the same port

    @SB-04e @REQ_PZ-13873 @load @disruptive @needs_gpu @needs_exclusive_cluster
    Example: The room of a failed opening is given to those that come after it
      Given a connected fibre
      And an opening that failed because the cluster took no further job
      And a cluster with one GPU slice free
      And as many open investigations as the site has room for
      When a client asks for a live investigation
      Then the request is refused because the site is full
      And the open investigations go on running

    @SB-04f @REQ_PZ-13873 @disruptive @needs_exclusive_cluster
    Example: What a server has left half open is gone when it was started again
      Given a connected fibre
      And an investigation that was left half open
      When the server is restarted
      Then it is ready and answers within its deadline
      And nothing is left of the investigation that was half open
