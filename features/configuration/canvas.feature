@CF
Feature: An investigation is drawn on a canvas with a height
  As a client I say how many lines my canvas has,
  because the server divides the time axis by it.
  A canvas without lines cannot be drawn on.

  Rule: The height of the canvas is positive

    @CF-07a @REQ_PZ-13877
    Example: One line is a canvas
      Given a connected fibre
      When a client asks for an investigation with a canvas height of 1
      Then the investigation opens

    @CF-07b @REQ_PZ-13877 @negative
    Scenario Outline: An investigation with <canvas> is refused
      When a client asks for an investigation with <canvas>
      Then the request is refused because of its canvas height
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: No canvas to draw on
        | canvas                   | reason                            |
        | a canvas height of 0     | time cannot be divided by nothing |
        | a canvas height of -1    | the first below nothing           |
        | no canvas height         | nothing is assumed for it         |

  Rule: The time axis is positive

    @CF-07d @REQ_PZ-13877
    Example: One second is a time axis
      Given a connected fibre
      When a client asks for an investigation with a time axis of 1
      Then the investigation opens

    @CF-07c @REQ_PZ-13877 @negative
    Scenario Outline: An investigation with <axis> is refused
      When a client asks for an investigation with <axis>
      Then the request is refused because of its time axis
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: No time to show
        | axis              | reason                             |
        | a time axis of 0  | a moment has no length to be drawn |
        | a time axis of -1 | the first below nothing            |
