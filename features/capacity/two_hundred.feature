@CA
Feature: Two hundred investigations are open at the same time
  As the operator of a site I was promised room for two hundred investigations at once.
  They are opened at one moment, once in a run, and every example of this feature looks at what came of it.
  The number is never lowered: a site that cannot hold it fails here,
  and a gap report says what is missing.

  Rule: Two hundred investigations are open at the same time

    @CA-01a @REQ_PZ-13756 @REQ_PZ-13986 @REQ_PZ-14088 @REQ_PZ-14800 @REQ_PZ-15240 @load @alone
    Example: Enough of them are served to meet the requirement
      Given a connected fibre
      When the required number of clients open a live investigation at the same time
      Then enough of them have a running job and a port of their own at one same moment

  Rule: The network has room for two hundred streams

    @CA-06a @REQ_PZ-13986
    Example: There are enough stream ports
      When the stream ports of the site are counted
      Then the required number of them is free

    @CA-06b @REQ_PZ-13986 @load @alone
    Example: The port of every open investigation can be reached
      Given a connected fibre
      When the required number of clients open a live investigation at the same time
      Then each of their ports accepts its client

    @CA-06c @REQ_PZ-13986 @load @alone
    Example: Ports are given back, and refuse whom they no longer serve
      Given a connected fibre
      When the required number of clients have opened a live investigation and released it
      Then each of their ports is free again
      And each of their ports refuses clients at once

  Rule: The server recovers after stress

    @CA-05a @REQ_PZ-14088 @REQ_PZ-14806 @load @alone
    Example: The next investigation opens as fast as before
      Given a connected fibre
      When the required number of clients have opened a live investigation and released it
      Then investigations open as fast as before within the deadline

    @CA-05b @REQ_PZ-14088 @load @alone
    Example: Nothing is left of them
      Given a connected fibre
      When the required number of clients have opened a live investigation and released it
      Then nothing is left of theirs

    @CA-05c @REQ_PZ-14088 @load @alone @needs_rabbitmq
    Example: No queue of theirs is left at the broker
      Given a connected fibre
      And a message broker that has started
      When the required number of clients have opened a live investigation and released it
      Then the broker has no queue of theirs any more

  Rule: Every load ends with a gap report

    @CA-07a @REQ_PZ-13986 @load @alone
    Example: A site that holds the requirement learns how much room is left
      Given a connected fibre
      When the required number of clients open a live investigation at the same time
      Then the gap report tells that the requirement is met and how much room is left
