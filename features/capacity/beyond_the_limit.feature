@CA
Feature: A full site says that it is full
  As the operator of a site I know that its capacity is finite.
  Whoever comes when it is used up must be told so at once,
  nothing of his may be left behind, and nobody else may notice that he was there.

  Rule: Beyond the limit the server refuses

    @CA-08a @REQ_PZ-13986 @REQ_PZ-14807 @negative @load @needs_gpu @needs_exclusive_cluster
    Example: One investigation too many is refused, and the others go on
      Given a connected fibre
      And as many open investigations as the site has room for
      When a client asks for a live investigation
      Then the request is refused because the site is full
      And the refusal names everything that is short
      And the open investigations go on running
      And nothing is started

    @CA-08b @REQ_PZ-13986 @negative @load @disruptive @needs_gpu @needs_exclusive_cluster
    Example: Who comes after the last GPU slice and all who may wait is refused
      Given a connected fibre
      And a cluster with one GPU slice free
      And as many open investigations as the site has room for
      When a client asks for a live investigation
      Then the request is refused because the site is full
      And the refusal names everything that is short
      And nothing is started

    @CA-08c @REQ_PZ-13986 @negative @load @disruptive @needs_gpu @needs_exclusive_cluster
    Example: Of many who come at the same moment as many are opened as there is room for
      Given a connected fibre
      And a cluster with GPU slices for a few investigations free
      When more clients than that open a live investigation at the same time
      Then as many of them are opened as the site has room for
