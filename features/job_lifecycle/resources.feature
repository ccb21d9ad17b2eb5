@JL
Feature: A job receives every resource it needs
  As the operator of a site I rely on a job having its share of the graphics card,
  its memory and its storage before it begins, so that it cannot starve
  and cannot starve its neighbours.

  Rule: The job receives every resource it needs

    @JL-07a @REQ_PZ-13899 @needs_gpu
    Example: The job is granted exactly the GPU slice it asks for
      Given a connected fibre
      When a client opens a live investigation
      Then its job receives exactly one GPU slice
      And its job receives its slice on the node it runs on

    @JL-07b @REQ_PZ-13899
    Example: The memory of the job is requested and limited
      Given a connected fibre
      When a client opens a live investigation
      Then its job receives memory that is requested and limited

    @JL-07c @REQ_PZ-13899
    Example: The storage of the recordings is mounted and bound
      Given a connected fibre
      When a client opens a live investigation
      Then its job receives the recordings as storage that is mounted and bound
