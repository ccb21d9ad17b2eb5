@IN
Feature: Layer 2, health: the recording index is fit for work
  As the engineer on call I know that the database lets us in.
  Now I want to know whether what the server needs is inside,
  and whether it answers a question in time.

  Rule: MongoDB has what the server needs and answers in time

    @IN-02a @REQ_PZ-13898 @needs_mongodb
    Example: Every required collection is present
      When the suite connects to the recording index
      Then every required collection is present

    @IN-02b @REQ_PZ-13898 @needs_mongodb @alone
    Example: A query for recordings is answered in time
      When the suite asks the recording index for the latest recordings
      Then the query is answered within its limit
      And at least one recording is found
