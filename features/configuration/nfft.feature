@CF
Feature: An investigation has an NFFT that its view allows
  As a client I choose how finely frequencies are told apart: the NFFT.
  It is a power of two, and how large it may be depends on the view.
  The server takes it as asked, and never replaces it by one it likes better.

  Rule: The NFFT is a power of two that is allowed for the view

    @CF-03a @REQ_PZ-13875
    Scenario Outline: An investigation with <nfft> opens
      Given a connected fibre
      When a client asks for an investigation with <nfft>
      Then the investigation opens

      Examples: All that a multichannel view allows
        | nfft      | reason             |
        | NFFT 128  | the smallest       |
        | NFFT 256  | a power of two     |
        | NFFT 512  | a power of two     |
        | NFFT 1024 | what clients use   |
        | NFFT 2048 | the largest        |

      Examples: What a single channel view shares with it
        | nfft                                 | reason           |
        | NFFT 128 in the single channel view  | the smallest     |
        | NFFT 256 in the single channel view  | a power of two   |
        | NFFT 512 in the single channel view  | a power of two   |
        | NFFT 1024 in the single channel view | what clients use |
        | NFFT 2048 in the single channel view | a power of two   |

      Examples: What only a single channel view allows
        | nfft                                  | reason                           |
        | NFFT 4096 in the single channel view  | the first beyond multichannel    |
        | NFFT 8192 in the single channel view  | a power of two                   |
        | NFFT 16384 in the single channel view | a power of two                   |
        | NFFT 32768 in the single channel view | a power of two                   |
        | NFFT 65536 in the single channel view | the largest                      |

    @CF-03b @REQ_PZ-13875 @negative
    Scenario Outline: An investigation with <nfft> is refused
      When a client asks for an investigation with <nfft>
      Then the request is refused because of its NFFT
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: What no power of two allows
        | nfft       | reason                     |
        | NFFT 0     | nothing to transform       |
        | NFFT -1024 | negative                   |
        | NFFT 1000  | no power of two            |
        | NFFT 64    | the next power below       |

      Examples: What the view does not allow
        | nfft                                   | reason                             |
        | NFFT 4096                              | the next power above, multichannel |
        | NFFT 131072 in the single channel view | the next power above               |
        | NFFT 2 in the waterfall view           | a waterfall has no transform       |
