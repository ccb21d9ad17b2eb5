@PV
Feature: A historic investigation needs recorded data
  As a client I ask for a time in the past and expect either what was recorded then,
  or a clear word that nothing was. The window is taken exactly as I asked for it:
  what was deleted, or never finished, does not count as recorded.

  Rule: Historic data must exist for the requested time

    @PV-02a @REQ_PZ-14019 @REQ_PZ-15248 @smoke
    Example: A window inside a recording opens
      When a client opens a historic investigation inside a recording
      Then a job for it is running within its deadline

    @PV-02b @REQ_PZ-14019 @REQ_PZ-13601 @negative
    Example: A window without any recording finds nothing
      When a client asks for a window in which nothing was recorded
      Then the request is answered that no recording was found
      And nothing is started

  Rule: The window is taken as asked

    @PV-03a @REQ_PZ-14019 @needs_isolated_recording
    Example: A window that touches the recording opens
      Given a recording with nothing else around it
      When a client opens a historic investigation that begins with this recording
      Then a job for it is running within its deadline

    @PV-03b @REQ_PZ-14019 @negative @needs_isolated_recording
    Scenario Outline: A window beside the recording finds nothing: <window>
      Given a recording with nothing else around it
      When a client asks for a window <window>
      Then the request is answered that no recording was found
      And nothing is started

      Examples: Windows beside the only recording
        | window                              | reason                                         |
        | that ends before this recording     | the recording had not begun                    |
        | that begins after this recording    | the recording was over                         |
        | two hours before this recording     | a hidden offset of the winter time would shift |
        | two hours after this recording      | the same offset in the other direction         |
        | three hours before this recording   | a hidden offset of the summer time would shift |
        | three hours after this recording    | the same offset in the other direction         |

  Rule: Deleted and stale recordings do not count as data

    @PV-06a @REQ_PZ-14019 @negative @needs_deleted_recording
    Example: A window covered only by a deleted recording finds nothing
      Given a deleted recording with nothing else around it
      When a client asks for a window inside this recording
      Then the request is answered that no recording was found
      And nothing is started

    @PV-06b @REQ_PZ-14019 @negative @writes_database
    Example: A window covered only by a recording that was never finished finds nothing
      Given a stale recording with nothing else around it
      When a client asks for a window inside this recording
      Then the request is answered that no recording was found
      And nothing is started

    @PV-06c @REQ_PZ-14019 @writes_database
    Scenario Outline: A recording that has been open for <time> is <listed>
      Given a recording that has been open for <time>
      When a client lists the recordings of a window inside this recording
      Then this recording is <listed>

      Examples: A recording may go on for a day
        | time                     | listed   | reason                            |
        | a little less than a day | listed   | it may still be recorded          |
        | a little more than a day | left out | whoever recorded it did not end it |
