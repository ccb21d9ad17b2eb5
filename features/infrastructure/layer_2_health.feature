@IN
Feature: Layer 2, health: the recording index is fit for work
  As the engineer on call I know that the database lets us in.
  Now I want to know whether what the server needs is inside,
  and whether it answers a question in time.

  Rule: MongoDB has what the server needs and answers in time

    @IN-02a @REQ_PZ-13898 @needs_mongodb
    Example: Every required collection is present
      When an engineer examines the recording index
      Then MongoDB confirms that it holds every required collection

    @IN-02b @REQ_PZ-13898 @needs_mongodb @alone
    Example: A query for recordings is answered in time
      When an engineer examines a query for the latest recordings
      Then the query takes no longer than its limit
      And at least one recording is found
