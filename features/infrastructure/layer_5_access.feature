@IN
Feature: Layer 5, access: engineers reach the cluster
  As the engineer on call I work on a target host that I reach through a jump host.
  When something is broken at night this way must be open,
  the hosts must be the right ones, and my tools must be there.

  Rule: The jump host lets engineers in, and the target host through it

    @IN-05a @REQ_PZ-13900 @needs_ssh
    Example: The jump host answers as itself
      When an engineer logs in to the jump host
      Then the host answers as itself, without any complaint

    @IN-05b @REQ_PZ-13900 @needs_ssh @smoke
    Example: The target host answers as itself
      When an engineer logs in to the target host through the jump host
      Then the host answers as itself, without any complaint

    @IN-05c @REQ_PZ-13900 @needs_ssh
    Example: The tools of the cluster are there
      When an engineer logs in to the target host through the jump host
      Then the host answers with the versions of the cluster's tools

    @IN-05d @REQ_PZ-13900 @needs_ssh @alone
    Example: Logging in is quick
      When an engineer logs in to the target host through the jump host
      Then logging in takes no longer than its limit

    @IN-05e @REQ_PZ-13900 @needs_ssh @alone
    Example: Nothing stays open when the engineer has left
      When an engineer connects to the target host and leaves again
      Then no connection more than before is counted
