@IN
Feature: Layer 4, configuration: the right recording index answers
  As the engineer on call I have seen a healthy database that was the wrong one.
  What is configured must be what answers. That the configuration is complete,
  and that no secret stands in it, is checked before anything runs.

  Rule: The configured MongoDB is the one that answers

    @IN-04a @REQ_PZ-13807 @needs_mongodb
    Example: The server that answers calls itself what it is configured as
      When an engineer examines the recording index
      Then MongoDB confirms that it is the configured one

    @IN-04b @REQ_PZ-13807 @needs_mongodb
    Example: The user belongs to the configured database
      When an engineer examines the recording index
      Then MongoDB confirms that the user belongs to the configured database
