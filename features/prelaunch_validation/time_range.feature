@PV
Feature: The time range of a historic investigation is valid
  As a client I make mistakes with times: I mix up start and end, I forget one of them,
  I ask for tomorrow. The server tells me what is wrong and what would be right,
  at once, and starts nothing.

  Rule: The time range is valid

    @PV-04a @REQ_PZ-13869 @REQ_PZ-13984 @negative
    Scenario Outline: A window that <defect> is refused
      When a client asks for a window that <defect>
      Then the request is refused because of its time range
      And nothing is started

      Examples: Windows that cannot be
        | defect                      | reason                          |
        | ends before it starts       | start and end are mixed up      |
        | ends when it starts         | it contains nothing             |
        | starts before time began    | no recording has negative times |
        | lies in the future          | nothing is recorded there yet   |
        | ends in the future          | a part is not recorded yet      |

  Rule: Live or historic is unambiguous

    @PV-05a @REQ_PZ-13869 @negative
    Scenario Outline: A window with <part> is refused
      When a client asks for a window with <part>
      Then the request is refused because of its time range
      And nothing is started

      Examples: Half a window
        | part         | reason                                           |
        | only a start | it could mean live from then on, or be a mistake |
        | only an end  | it could mean everything until then              |

  Rule: An error says what to do

    @PV-09a @REQ_PZ-13869 @negative
    Scenario Outline: The refusal of a window <window> says what to do
      When a client asks for a window <window>
      Then the request is refused because of its time range
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: Windows a client gets wrong
        | window                        | reason                           |
        | that ends before it starts    | both values belong in the answer |
        | that ends when it starts      | the equal values are named       |
        | that starts before time began | the lowest value is named        |
        | that lies in the future       | the latest time is named         |
        | with only a start             | the missing end is named         |
        | with only an end              | the missing start is named       |
