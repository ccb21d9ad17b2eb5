@CA
Feature: Recorded data can be watched by many
  As the operator of a site I know that not everybody watches what happens now.
  After an event many want to see the same hour, while others go on watching live,
  and each of them needs a job, a port and his part of the recordings.

  Rule: Historic and mixed load is held

    @CA-09a @REQ_PZ-13986 @REQ_PZ-15243 @REQ_PZ-15247 @load @alone
    Example: Enough of those who ask for recorded data are served together
      When many clients open historic investigations at the same time
      Then enough of them have a running job and a port of their own at one same moment

    @CA-09b @REQ_PZ-13986 @load @alone
    Example: Enough are served together when half of them ask for recorded data
      Given a connected fibre
      When many clients open live and historic investigations at the same time
      Then enough of them have a running job and a port of their own at one same moment

    @CA-09c @REQ_PZ-15317 @REQ_PZ-15318 @REQ_PZ-15319 @REQ_PZ-15320 @REQ_PZ-15321 @slow @load
    Example: The site holds every step while ever more ask for recorded data
      When the number of historic investigations grows in steps
      Then the site holds every step
      And every step began when nothing was left of the one before

    @CA-09d @REQ_PZ-13986 @load
    Example: Enough windows of one client are served, each with the recordings it was opened for
      When one client opens as many historic investigations as it has windows
      Then each of them plays its own window
      And enough of them have a running job and a port of their own at one same moment
