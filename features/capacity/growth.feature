@CA
Feature: Capacity grows in steps
  As the operator of a site I want to know where its limit lies, and not only that there is one.
  One investigation is the baseline, then there are more and more of them.
  Each step begins when nothing is left of the one before, and a step that fails badly is the last.

  Rule: One investigation is the baseline

    @CA-02a @REQ_PZ-13986 @REQ_PZ-15234 @REQ_PZ-15235 @alone
    Example: A single investigation opens each time, and is answered in time
      Given a connected fibre
      When a client opens a single live investigation, again and again
      Then all of them have a running job and a port of their own
      And they are answered within the limit

  Rule: Capacity grows in steps up to the required number

    @CA-03a @REQ_PZ-13986 @REQ_PZ-15236 @load @alone
    Example: The site holds every step
      Given a connected fibre
      When the number of investigations grows in steps up to the required number
      Then the site holds every step
      And every step began when nothing was left of the one before

  Rule: Heavy configurations are served as well

    @CA-04a @REQ_PZ-13986 @REQ_PZ-15238 @load
    Example: Enough clients are served when several ask for the heaviest configuration at once
      Given a connected fibre
      When several clients with a heavy configuration open a live investigation at the same time
      Then enough of them have a running job and a port of their own at one same moment

    @CA-04b @REQ_PZ-15245 @load
    Example: Enough clients are served when several ask for the heaviest configuration over recorded data
      When many clients open historic investigations with a heavy configuration at the same time
      Then enough of them have a running job and a port of their own at one same moment
