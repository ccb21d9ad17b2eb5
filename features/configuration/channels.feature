@CF
Feature: An investigation has as many channels as a client may ask for
  As a client I choose the part of the fibre that I want to watch.
  Every channel the limits allow is mine to choose, to the very last one,
  and a mistake is told to me before anything is started.

  Rule: There is at least one channel, counted from one, and at most as many as allowed

    @CF-01a @REQ_PZ-13873
    Scenario Outline: An investigation with <channels> opens
      Given a connected fibre
      When a client asks for an investigation with <channels>
      Then the investigation opens

      Examples: Channels at the limits
        | channels                    | reason                                |
        | channels from 1 to 1        | the lowest channel, and one is enough |
        | channels from 49 to 50      | the highest is just above the lowest  |
        | as many channels as allowed | the limit itself is allowed           |

    @CF-01b @REQ_PZ-13873 @negative
    Scenario Outline: An investigation with <channels> is refused because of its <field>
      When a client asks for an investigation with <channels>
      Then the request is refused because of its <field>
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: Channels beyond the limits
        | channels                      | field           | reason                                 |
        | channels from 0 to 50         | lowest channel  | channels are counted from one          |
        | channels from -1 to 50        | lowest channel  | there are no negative channels         |
        | channels from 50 to 49        | highest channel | lowest and highest are mixed up        |
        | one channel more than allowed | channels        | the first number beyond the limit      |
        | channels from 1 to 2500       | channels        | an old assumption that was never right |

    @CF-01c @REQ_PZ-13873 @negative
    Example: A channel that the fibre does not have is refused
      When a client asks for the channel after the last one that the server tells
      Then the request is refused because of its highest channel
      And the refusal names the field, its value and what is allowed
      And nothing is started
