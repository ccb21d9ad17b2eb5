@CF
Feature: An investigation shows the frequencies that the pulse rate allows
  As a client I choose the band of frequencies that I want to see.
  A fibre that is sampled at a pulse rate can show half of that rate, and nothing above,
  so the server must not promise what cannot be seen.

  Rule: The lowest frequency is not negative and below the highest, which is at most half of the pulse rate

    @CF-02a @REQ_PZ-13874
    Scenario Outline: An investigation of <frequencies> opens
      Given a connected fibre
      When a client asks for an investigation with <frequencies>
      Then the investigation opens

      Examples: Frequencies at the limits
        | frequencies                  | reason                               |
        | all frequencies              | both limits at once                  |
        | frequencies from 0 to 1      | the narrowest range, at the low end  |
        | only the highest frequencies | the narrowest range, at the high end |

    @CF-02b @REQ_PZ-13874 @negative
    Scenario Outline: An investigation of <frequencies> is refused
      When a client asks for an investigation with <frequencies>
      Then the request is refused because of its <field>
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: Frequencies beyond the limits
        | frequencies                   | field             | reason                          |
        | frequencies from -1 to 500    | lowest frequency  | there are no negative ones      |
        | frequencies from 400 to 300   | highest frequency | lowest and highest are mixed up |
        | frequencies from 300 to 300   | highest frequency | the range holds nothing         |
        | a frequency above the highest | highest frequency | it cannot be seen at this rate  |
