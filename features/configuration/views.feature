@CF
Feature: An investigation has one of three views
  As a client I choose how I look at the fibre: many channels as spectrograms,
  one channel in detail, or all of them as a waterfall.
  Each view has its own needs, and there is a fourth only where a site offers heat maps.

  Rule: The view is multichannel, single channel or waterfall

    @CF-04a @REQ_PZ-13878
    Scenario Outline: An investigation in <view> opens in it
      Given a connected fibre
      When a client asks for an investigation with <view>
      Then it opens with the view that was asked for

      Examples: The views
        | view                    | reason                      |
        | the multichannel view   | many channels, spectrograms |
        | the single channel view | one channel in detail       |
        | the waterfall view      | all channels over time      |

    @CF-04b @REQ_PZ-13878 @negative
    Scenario Outline: An investigation with <view> is refused
      When a client asks for an investigation with <view>
      Then the request is refused because of its view
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: Views that do not exist
        | view                          | reason                                |
        | the first view after the last | the first number that is no view      |
        | the view "99"                 | far from any view                     |
        | the view "-1"                 | the number below the first            |
        | the view "multichannel"       | views are numbered, names are refused |

    @CF-04c @needs_heat_maps
    Example: A heat map opens where the site offers it
      Given a connected fibre
      When a client asks for an investigation with the heat map view
      Then it opens with the view that was asked for

  Rule: A single channel view shows one channel

    @CF-05a @REQ_PZ-13879
    Example: A single channel has one stream
      Given a connected fibre
      When a client asks for an investigation with the single channel view
      Then it opens with one stream

    @CF-05b @REQ_PZ-13879 @negative
    Example: Two channels are no single channel
      When a client asks for an investigation with two channels in the single channel view
      Then the request is refused because of its highest channel
      And the refusal names the field, its value and what is allowed
      And nothing is started

  Rule: A waterfall has neither a time axis nor a frequency range

    @CF-06a @REQ_PZ-13878
    Example: A waterfall opens when the client says that it has neither
      Given a connected fibre
      When a client asks for an investigation with a waterfall that says it has neither
      Then the investigation opens

    @CF-06b @REQ_PZ-13878
    Example: A waterfall opens when the client leaves both out
      Given a connected fibre
      When a client asks for an investigation with NFFT 1 in the waterfall view
      Then the investigation opens

    @CF-06c @REQ_PZ-13878 @negative
    Scenario Outline: A request for <waterfall> is refused
      When a client asks for an investigation with <waterfall>
      Then the request is refused because of its <field>
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: What a waterfall cannot have
        | waterfall                          | field           | reason                           |
        | a waterfall with a time axis       | time axis       | its lines come as they come      |
        | a waterfall with a frequency range | frequency range | it shows energy, not frequencies |
