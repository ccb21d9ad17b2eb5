@IN
Feature: Layer 1, the foundation: the recording index can be reached
  As the engineer on call I begin at the bottom: is the database there, and does it let us in?
  A wrong password and an unreachable machine are different troubles with different remedies,
  so they must look different.

  Rule: MongoDB is reached and lets the configured user in

    @IN-01a @REQ_PZ-13806 @smoke @needs_mongodb
    Example: The configured user is let in
      When an engineer examines the recording index
      Then MongoDB confirms that the configured user is let in
      And MongoDB confirms its version

    @IN-01b @REQ_PZ-13806 @needs_mongodb
    Example: The configured database is among those listed
      When an engineer examines the recording index
      Then MongoDB confirms that it holds the configured database

    @IN-01c @REQ_PZ-13806 @negative @needs_mongodb
    Example: A wrong password is recognised as such
      When somebody connects to the recording index with a wrong password
      Then the connection fails because the password is wrong

    @IN-01d @REQ_PZ-13806 @needs_mongodb @alone
    Example: A closed connection is given back
      When an engineer connects to the recording index and leaves again
      Then no connection more than before is counted
