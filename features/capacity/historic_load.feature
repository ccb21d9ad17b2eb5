@CA
Feature: Recorded data can be watched by many
  As the operator of a site I know that not everybody watches what happens now.
  After an event many want to see the same hour, while others go on watching live,
  and each of them needs a job, a port and his part of the recordings.

  Rule: Historic and mixed load is held

    @CA-09a @REQ_PZ-13986 @load
    Example: Enough of those who ask for recorded data are served together
      When many clients open historic investigations at the same time
      Then enough of them have a running job and a port of their own at one same moment

    @CA-09b @REQ_PZ-13986 @load
    Example: Enough are served together when half of them ask for recorded data
      Given a connected fibre
      When many clients open live and historic investigations at the same time
      Then enough of them have a running job and a port of their own at one same moment
