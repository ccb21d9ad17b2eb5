@CF
Feature: Every field of a request is required, and of its type
  As a client developer I forget a field, leave it empty or mix up types.
  The server tells me which field it was and what it should be,
  and never guesses what I could have meant.

  Rule: Every required field is required

    @CF-08a @REQ_PZ-14093 @negative
    Scenario Outline: A request with no <field> is refused
      When a client asks for an investigation with no <field>
      Then the request is refused because of its <field>
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: Whole fields
        | field           | reason                               |
        | view            | no view is assumed                   |
        | canvas          | no canvas is assumed                 |
        | channels        | all channels would be too many       |
        | time axis       | this view divides it by the canvas   |
        | NFFT            | no NFFT is assumed                   |
        | frequency range | this view shows a range              |

      Examples: Halves of a range
        | field             | reason                     |
        | lowest channel    | one is not assumed         |
        | highest channel   | the last is not assumed    |
        | lowest frequency  | zero is not assumed        |
        | highest frequency | the highest is not assumed |

    @CF-08b @REQ_PZ-14093 @negative
    Scenario Outline: A request with nothing as its <field> is refused
      When a client asks for an investigation with nothing as its <field>
      Then the request is refused because of its <field>
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: Whole fields
        | field           | reason                           |
        | view            | nothing is no view               |
        | canvas          | nothing is no canvas             |
        | channels        | nothing does not mean all        |
        | time axis       | only a waterfall has none        |
        | NFFT            | nothing does not mean the usual  |
        | frequency range | only a waterfall has none        |

      Examples: Parts of fields
        | field             | reason                         |
        | canvas height     | nothing cannot divide time     |
        | lowest channel    | nothing does not mean one      |
        | highest channel   | nothing does not mean the last |
        | lowest frequency  | nothing does not mean zero     |
        | highest frequency | nothing does not mean all      |

  Rule: Every field has its type

    @CF-08c @REQ_PZ-14094 @negative
    Scenario Outline: A request with <value> as its <field> is refused
      When a client asks for an investigation with <value> as its <field>
      Then the request is refused because of its <field>
      And the refusal names the field, its value and what is allowed
      And nothing is started

      Examples: Whole fields
        | value      | field           | reason                       |
        | a list     | view            | one view is asked for        |
        | a number   | canvas          | a canvas has a height        |
        | a list     | channels        | the limits have names        |
        | a word     | time axis       | time is a number             |
        | a fraction | NFFT            | samples cannot be divided    |
        | a word     | frequency range | the limits have names        |

      Examples: Parts of fields
        | value      | field             | reason                        |
        | a fraction | canvas height     | lines cannot be divided       |
        | a fraction | lowest channel    | channels cannot be divided    |
        | a word     | highest channel   | channels are numbered         |
        | a list     | lowest frequency  | one number is asked for       |
        | a word     | highest frequency | frequencies are numbers       |

    @CF-08f @REQ_PZ-14094 @negative
    Example: A word is refused however long it is
      When a client asks for an investigation with a very long word as its NFFT
      Then the request is refused because of its NFFT
      And nothing is started

  Rule: A request is a whole request, sent to where it belongs

    @CF-08d @REQ_PZ-14095 @negative
    Scenario Outline: A request with <body> is refused
      When a client asks for an investigation with <body>
      Then the request is refused because of its body
      And nothing is started

      Examples: What is no request
        | body                  | reason                          |
        | an empty body         | there is nothing to read        |
        | a body that breaks off | the connection may have broken |
        | a list as its body    | fields have names               |
        | a body with NaN in it | a number nobody can count with  |
        | a body with an endless number | no machine has one so large |

    @CF-08e @REQ_PZ-14096 @negative
    Scenario Outline: A request that is addressed <address> is not known
      When a client addresses the request for an investigation <address>
      Then the server does not know the <what>
      And nothing is started

      Examples: Where no investigation is opened
        | address                      | what    | reason                          |
        | to a place that does not exist | address | a name was misspelt           |
        | as one that only reads       | method  | opening changes the cluster     |
        | to the health check          | method  | it can only be asked            |
