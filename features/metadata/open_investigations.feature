@MD
Feature: The metadata describe the open investigation
  As a client that joins an investigation somebody else has opened
  I ask the server for its metadata and expect the facts its owner was given,
  so that I can find the stream and label its axes without asking anybody.

  Rule: The metadata of an open investigation tell what the answer that opened it told

    @MD-01a @REQ_PZ-13563 @REQ_PZ-13269
    Example: A live investigation is described soon after it was opened
      Given a connected fibre
      When a client opens a live investigation
      Then its metadata can be read within their deadline
      And they tell the same as the answer that opened it

    @MD-01b @REQ_PZ-13563 @REQ_PZ-13269
    Example: A historic investigation is described soon after it was opened
      When a client opens a historic investigation over recorded data
      Then its metadata can be read within their deadline
      And they tell the same as the answer that opened it

    @MD-01c @REQ_PZ-13563
    Example: Nothing of what is documented is left out
      Given an open investigation
      When another client asks for its metadata
      Then the answer has the documented form

    @MD-01e @REQ_PZ-13563 @disruptive @needs_kubernetes
    Example: An investigation is described by a server that was started after it was opened
      Given an open investigation whose job is running
      And the server is stopped
      When the server is back
      Then the server answers within its deadline
      And its metadata can be read within their deadline
      And they tell the same as the answer that opened it

    @MD-01f @REQ_PZ-13800 @REQ_PZ-13859 @load @alone
    Example: An investigation is described the same, and as fast, however often it is read
      Given an open investigation
      When another client reads its metadata again and again
      Then they tell the same as the answer that opened it each time
      And reading them does not become slower

  Rule: The metadata of an unknown investigation are refused

    @MD-01d @REQ_PZ-13563 @negative
    Example: The metadata of a job id that was never given are refused
      When a client asks for the metadata of an investigation that was never opened
      Then the request is refused because the job id is unknown
      And nothing is started
