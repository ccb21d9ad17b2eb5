@PF
Feature: The server answers fast
  As an operator I look for the cause of an alarm and cannot wait for a server that thinks.
  Limits are those of the environment. Answers are judged by what nineteen of twenty clients have to wait,
  from enough of them to be sure, and the share of this suite itself is known and told.

  Rule: An investigation is opened fast

    @PF-01a @REQ_PZ-13986 @load
    Example: Live investigations opened one after the other
      Given a connected fibre
      When live investigations are opened often enough to judge how fast that is
      Then they are answered within the limits

  Rule: Health and information are told fast

    @PF-02a @REQ_PZ-13986 @load
    Example: The health check of a single client
      When a single client asks often enough whether the server is alive
      Then it is answered within the limit

    @PF-02b @REQ_PZ-13986 @load
    Example: The health checks of many clients at once
      When many clients ask at the same time whether the server is alive
      Then they are all answered within the limit for many

    @PF-02c @REQ_PZ-13986 @load
    Example: The channels of the site
      When a client asks several times for the channels
      Then it is told the channels within the limit each time

    @PF-02d @REQ_PZ-13986 @load
    Example: The description of the fibre
      When a client asks several times what the fibre is
      Then it is told what the fibre is within the limit each time

  Rule: The server has not become slower

    @PF-03a @REQ_PZ-13986 @load @needs_baseline
    Example: Investigations open as fast as in the earlier runs of this environment
      Given a connected fibre
      When live investigations are opened often enough to judge how fast that is
      Then they are answered as fast as in the earlier runs
