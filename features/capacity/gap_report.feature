@CA
Feature: The gap report tells what is missing
  As the engineer who runs the cluster I am told that it is too small.
  Before I buy anything I want to see what was measured, what exactly ran out,
  how much of it is missing, and how I can check that the change has helped.

  Rule: A shortage is explained by evidence from the cluster

    @CA-07b @REQ_PZ-13986 @load @disruptive @needs_gpu @needs_exclusive_cluster
    Example: Too few GPU slices are named, counted and recommended for
      Given a connected fibre
      And a cluster with GPU slices for a few investigations free
      When more clients than that open a live investigation at the same time
      Then the gap report tells that GPU slices ran out and how many are missing
