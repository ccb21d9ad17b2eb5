@CA
Feature: The site bears the load of many testers
  As the operator of a site I want to know what it bears before my clients find out,
  in numbers that one tester alone cannot open.
  How many come, and when, stands in the profile of load that this run was given.

  Rule: A site holds the load of a profile and is afterwards as it was

    @CA-10p @REQ_PZ-13986 @load
    Example: The investigations of the profile open, and nothing is left of them
      Given a connected fibre
      When many testers open investigations as the profile of load says
      Then enough of them have a running job and a port of their own at one same moment
      And investigations open as fast as before within the deadline
      And nothing is left of theirs
