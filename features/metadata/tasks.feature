@MD
Feature: Tasks take the place of jobs in the future interface
  As the developer of a client I will name my own tasks and fetch rows of the waterfall
  instead of following a stream. No site has this interface yet;
  it is written down here so that it can be agreed on.

  Rule: A client configures a task and fetches what it shows

    @MD-02a @backlog
    Example: A task is accepted under the name the client gave it
      Given a connected fibre
      When a client configures a task under a name of its own
      Then the answer has the documented form

    @MD-02b @backlog
    Example: The rows of its waterfall can be fetched
      Given a task that a client has configured
      When the client fetches rows of its waterfall
      Then the answer has the documented form

    @MD-02c @backlog
    Example: Its metadata can be fetched
      Given a task that a client has configured
      When the client fetches the metadata of the task
      Then the answer has the documented form
