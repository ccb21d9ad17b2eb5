@CA
Feature: The site bears load that comes in waves
  As the operator of a site I do not choose when my clients come.
  They come steadily, more and more of them, all at once after a quiet hour, or one after the other without a pause.
  When they have gone the server is as fast as before, and nothing of theirs is left.

  Rule: Load of every shape leaves the server as it was

    @CA-10a @REQ_PZ-13986 @REQ_PZ-14801 @REQ_PZ-14805 @REQ_PZ-15239 @slow @load
    Example: The server stays as it was while clients come every few seconds
      Given a connected fibre
      When investigations are opened and released steadily
      Then in all that time enough of them opened
      And in all that time the server was never restarted
      And in all that time it did not become slower
      And in all that time nothing of theirs was left

    @CA-10b @REQ_PZ-13986 @REQ_PZ-14803 @slow @load
    Example: The server stays as it was while ever more clients come
      Given a connected fibre
      When investigations are opened and released in growing numbers
      Then in all that time enough of them opened
      And in all that time the server was never restarted
      And in all that time it did not become slower
      And in all that time nothing of theirs was left

    @CA-10c @REQ_PZ-13986 @REQ_PZ-14802 @REQ_PZ-14804 @slow @load
    Example: The server stays as it was after a rush
      Given a connected fibre
      When investigations are opened and released in a sudden rush
      Then in all that time enough of them opened
      And in all that time the server was never restarted
      And in all that time it did not become slower
      And in all that time nothing of theirs was left

    @CA-10d @REQ_PZ-13986 @slow @load
    Example: The server stays as it was when two hundred come one after the other
      Given a connected fibre
      When investigations are opened and released without a pause
      Then in all that time enough of them opened
      And in all that time the server was never restarted
      And in all that time it did not become slower
      And in all that time nothing of theirs was left

    @CA-10e @REQ_PZ-15246 @slow @load
    Example: The server stays as it was while clients ask for recorded data every few seconds
      When historic investigations are opened and released steadily
      Then in all that time enough of them opened
      And in all that time the server was never restarted
      And in all that time it did not become slower
      And in all that time nothing of theirs was left
