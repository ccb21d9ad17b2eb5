@IN
Feature: Layer 6, orchestration: the cluster is fit for work
  As the engineer on call I know that everything below is in order.
  Now the cluster itself: its nodes, and the server that opens investigations,
  which must be there, ready, steady and telling what it does.

  Rule: The cluster and its Focus Server are in order

    @IN-06a @REQ_PZ-13899 @needs_kubernetes @smoke
    Example: The cluster answers and tells its version
      When the cluster is examined
      Then it tells its version
      And the namespace of the product exists

    @IN-06b @REQ_PZ-13899 @needs_kubernetes
    Example: Every node is ready
      When the cluster is examined
      Then every node is ready

    @IN-06c @REQ_PZ-13899 @needs_kubernetes
    Example: The Focus Server is running, ready and steady
      When the cluster is examined
      Then every Focus Server is running and ready
      And no Focus Server was restarted too often

    @IN-06d @REQ_PZ-13899 @needs_kubernetes
    Example: The Focus Server is published as configured
      When the cluster is examined
      Then the Focus Server is published with its configured kind and port

    @IN-06e @REQ_PZ-13899 @needs_kubernetes
    Example: The Focus Server tells what it does
      When the cluster is examined
      Then the latest lines of the Focus Server's log can be read

  Rule: The cluster is reached although its door is closed to the tester

    @IN-07a @REQ_PZ-13899 @needs_kubernetes @needs_ssh
    Example: The cluster is reached over the target host
      When the cluster is examined over the target host
      Then it tells its version
      And the namespace of the product exists
