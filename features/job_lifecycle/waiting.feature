@JL
Feature: A job without a free GPU slice waits its turn
  As the operator of a full site I may open one investigation too many.
  It must wait, say what it is waiting for,
  and start by itself when somebody else is done.

  Rule: Without a free GPU slice the job waits, says why, and starts when one is freed

    @JL-13a @REQ_PZ-13899 @needs_gpu @needs_exclusive_cluster @disruptive
    Example: The job waits and names what is missing
      Given a connected fibre
      And a cluster with no GPU slice free
      When a client opens a live investigation
      Then its job waits and says that a GPU slice is missing

    @JL-13b @REQ_PZ-13899 @needs_gpu @needs_exclusive_cluster @disruptive
    Example: The job starts when a GPU slice is freed
      Given a connected fibre
      And a cluster with no GPU slice free
      And an open investigation whose job waits for a GPU slice
      When the GPU slices are freed
      Then a job for it is running within its deadline
