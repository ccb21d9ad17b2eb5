@IN
Feature: The diagnosis names the layer
  As the engineer on call I am woken and told that something does not work.
  I ask for a diagnosis first. It examines every layer from the bottom,
  and the first that is broken is where I begin.

  Rule: The diagnosis names the layer

    @IN-08a @REQ_PZ-13806 @needs_mongodb @needs_ssh @needs_kubernetes
    Example: A healthy environment has nothing to diagnose
      When an engineer examines every layer
      Then every layer is in order
