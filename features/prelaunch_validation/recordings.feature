@PV
Feature: A client can list what was recorded
  As a client I look at what was recorded before I ask for it,
  so that I choose a window with data in it.
  The list is complete, in order, and never invented.

  Rule: Recordings can be listed for a window

    @PV-10a @REQ_PZ-14019
    Example: Every recording that touches the window is listed, in order
      When a client lists the recordings of a window that cuts through several of them
      Then exactly the recordings that touch the window are listed
      And they are listed in the order of their start

    @PV-10b @REQ_PZ-14019
    Example: The list is empty when nothing was recorded
      When a client lists the recordings of a window in which nothing was recorded
      Then the list of recordings is empty

    @PV-10d @REQ_PZ-14019
    Example: The list of the future is empty
      When a client lists the recordings of a window that lies in the future
      Then the list of recordings is empty

    @PV-10e @REQ_PZ-14019
    Example: What is being recorded is listed without an end
      When a client lists the recordings of a window that reaches into the recording that goes on
      Then exactly the recordings that touch the window are listed

    @PV-10f @REQ_PZ-14019
    Example: The very first second is a time as any other
      When a client lists the recordings of a window that starts when time began
      Then exactly the recordings that touch the window are listed

    @PV-10c @REQ_PZ-14019 @negative
    Scenario Outline: The list for a window <window> is refused
      When a client lists the recordings of a window <window>
      Then the request is refused because of its time range
      And nothing is started

      Examples: Windows that cannot be listed
        | window                        | reason                          |
        | that ends before it starts    | start and end are mixed up      |
        | that ends when it starts      | it contains nothing             |
        | that starts before time began | no recording has negative times |
        | with only a start             | the list needs an end           |
        | with only an end              | the list needs a start          |
