@IN
Feature: Layer 6, orchestration: the cluster is fit for work
  As the engineer on call I know that everything below is in order.
  Now the cluster itself: its nodes, and the server that opens investigations,
  which must be there, ready, steady and telling what it does.

  Rule: The cluster and its Focus Server are in order

    @IN-06a @REQ_PZ-13899 @needs_kubernetes @smoke
    Example: The cluster answers and tells its version
      When an engineer examines the cluster
      Then the cluster shows its version
      And the cluster shows the namespace of the product

    @IN-06b @REQ_PZ-13899 @needs_kubernetes
    Example: Every node is ready
      When an engineer examines the cluster
      Then the cluster shows that every node is ready

    @IN-06c @REQ_PZ-13899 @needs_kubernetes
    Example: The Focus Server is running, ready and steady
      When an engineer examines the cluster
      Then the cluster shows that every Focus Server is running and ready
      And the cluster shows that no Focus Server was restarted too often

    @IN-06d @REQ_PZ-13899 @needs_kubernetes
    Example: The Focus Server is published as configured
      When an engineer examines the cluster
      Then the cluster shows the Focus Server with its configured kind and port

    @IN-06e @REQ_PZ-13899 @needs_kubernetes
    Example: The Focus Server tells what it does
      When an engineer examines the cluster
      Then the cluster shows the latest lines of the Focus Server's log

  Rule: The cluster is reached although its door is closed to the tester

    @IN-07a @REQ_PZ-13899 @needs_kubernetes @needs_ssh
    Example: The cluster is reached over the target host
      When an engineer examines the cluster over the target host
      Then the cluster shows its version
      And the cluster shows the namespace of the product
