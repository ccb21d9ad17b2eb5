@SB
Feature: The server starts cleanly
  As the operator of a site I start the server while nobody uses it
  and expect it to be of use at once: it answers, it has reached all it depends on,
  and it has nothing to complain about.

  Rule: On an empty environment the server starts without any error

    @SB-01a @REQ_PZ-13873 @disruptive @needs_exclusive_cluster
    Example: The server is ready, complains of nothing and has reached the recording index
      Given an environment without any open investigation
      When the server is restarted
      Then it is ready and answers within its deadline
      And it has reached the recording index
      And its log tells of no error since it started

    @SB-01b @REQ_PZ-13873 @disruptive @needs_exclusive_cluster
    Example: The first investigation opens
      Given an environment without any open investigation
      And a server that was just restarted
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And it is the only job that was started
