@IN
Feature: Layer 3, speed: the recording index answers quickly
  As the engineer on call I know that the database is healthy.
  A slow one still makes every historic investigation slow,
  so its speed is measured, and named with a class everybody understands.

  Rule: MongoDB answers quickly

    @IN-03a @REQ_PZ-13808 @needs_mongodb @alone
    Example: The typical answer is quick
      When an engineer examines the speed of the recording index
      Then a typical answer takes no longer than its limit

    @IN-03b @REQ_PZ-15140 @needs_mongodb @load @alone
    Example: The typical answer is quick while many investigations open
      Given a connected fibre
      When an engineer examines the speed of the recording index while many investigations open
      Then a typical answer takes no longer than its limit
