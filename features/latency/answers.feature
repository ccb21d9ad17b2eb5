@PF
Feature: The server answers fast
  As an operator I look for the cause of an alarm and cannot wait for a server that thinks.
  Limits are those of the environment. Answers are judged by what nineteen of twenty clients have to wait,
  from enough of them to be sure, and the share of this suite itself is known and told.

  Rule: An investigation is opened fast

    @PF-01a @REQ_PZ-13986 @load @alone
    Example: Live investigations are opened within their limits
      Given a connected fibre
      When the answers to requests for a live investigation are timed
      Then they come within the limit for an opening

  Rule: Health and information are told fast

    @PF-02a @REQ_PZ-13986 @load @alone
    Example: The health check of a single client is answered within its limit
      When the answers to the health checks of one client are timed
      Then they come within the limit for a health check

    @PF-02b @REQ_PZ-13986 @load @alone
    Example: The health checks of many clients at once are answered within their limit
      When the answers to the health checks of many clients at once are timed
      Then they come within the limit for many health checks at once

    @PF-02e @REQ_PZ-14033 @load @alone
    Example: The health check is answered within its limit while many investigations open
      Given a connected fibre
      When the answers to the health checks of one client are timed while many investigations open
      Then they come within the limit for a health check among openings

    @PF-02c @REQ_PZ-13986 @load @alone
    Example: The channels of the site are told within their limit
      When the answers to questions for the channels are timed
      Then they come within the limit for the channels

    @PF-02d @REQ_PZ-13986 @load @alone
    Example: The description of the fibre is told within its limit
      When the answers to questions for the fibre are timed
      Then they come within the limit for the description of the fibre

  Rule: The server has not become slower

    @PF-03a @REQ_PZ-13986 @load @alone @needs_baseline
    Example: Investigations open as fast as in the earlier runs of this environment
      Given a connected fibre
      When the answers to requests for a live investigation are timed
      Then they come as fast as in the earlier runs
