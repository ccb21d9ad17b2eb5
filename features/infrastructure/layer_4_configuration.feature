@IN
Feature: Layer 4, configuration: the right recording index answers
  As the engineer on call I have seen a healthy database that was the wrong one.
  What is configured must be complete, must be what answers,
  and must not give its secrets away.

  Rule: The configured MongoDB is the one that answers

    @IN-04a @REQ_PZ-13807 @needs_mongodb
    Example: The server that answers calls itself what it is configured as
      When the suite connects to the recording index
      Then the MongoDB that answers is the configured one

    @IN-04b @REQ_PZ-13807 @needs_mongodb
    Example: The user belongs to the configured database
      When the suite connects to the recording index
      Then the user is known to the database that is configured for it

    @IN-04c @REQ_PZ-13807
    Example: No secret stands in the configuration itself
      When the configuration of this environment is read
      Then every secret comes from outside the configuration
