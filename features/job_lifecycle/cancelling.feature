@JL
Feature: A client can cancel its investigation
  As a client I want to end an investigation as soon as I have seen enough,
  so that its slot and its share of the graphics card serve somebody else at once,
  and not only after the clean-up has noticed that I left.

  Rule: A client can cancel an investigation

    @JL-14a @REQ_PZ-13670 @backlog
    Example: Everything of a cancelled investigation disappears
      Given an open investigation whose job is running
      When the client cancels it
      Then everything that was started for it is gone within the limit for cancelled investigations
