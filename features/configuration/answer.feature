@CF
Feature: The answer to a valid request is consistent
  As a client I build my display from the answer alone:
  its channels, its frequencies, its lines.
  If they do not fit together I draw the wrong place, or nothing.

  Rule: Lengths, ranges and mappings of the answer agree with each other and with the request

    @CF-09a @REQ_PZ-13901 @REQ_PZ-13902
    Scenario Outline: The answer for <variation> is consistent
      Given a connected fibre
      When a client asks for an investigation with <variation>
      Then it opens with the channels asked for, each on one of its streams
      And it opens with the frequencies asked for
      And it opens with lines that divide the time axis

      Examples: From the smallest to the largest
        | variation                      | reason                             |
        | channels from 10 to 59         | an ordinary one, not from the start |
        | the single channel view        | one channel in one stream          |
        | channels from 7 to 7           | one channel in the wider view      |
        | frequencies from 100 to 400    | a range that does not begin at 0   |
        | many channels and a large NFFT | the heavy one that clients open    |
        | the most of everything         | all limits at once                 |
        | a long time on a low canvas    | a line lasts longer than its NFFT  |

    @CF-09c @REQ_PZ-13902
    Example: The narrowest range is shown within its limits
      Given a connected fibre
      When a client asks for an investigation with only the highest frequencies
      Then it opens with the frequencies asked for

    @CF-09b @REQ_PZ-13901
    Example: A live investigation shows the fibre that is connected
      Given a connected fibre
      When a client opens a live investigation
      Then the answer names the fibre as the server describes it

    @CF-09e @REQ_PZ-13901 @needs_mongodb
    Example: A historic investigation shows the recording that is played
      When a client opens a historic investigation over recorded data
      Then the answer describes the recording as the index does

    @CF-09d @REQ_PZ-13817 @REQ_PZ-13858
    Example: The same request shows the same when it is sent again
      Given a connected fibre
      When a client asks twice for an investigation with the single channel view
      Then the second answer shows the same, with a job of its own
