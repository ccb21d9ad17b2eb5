@RS
Feature: What crashes or is stopped comes back
  As the operator of a site I know that everything crashes some day. The cluster replaces what
  has crashed, and the server works again without anybody's help, also when several parts
  were away at once and whatever the order is in which they come back.

  Rule: What crashes is replaced and works again within its deadlines

    @RS-05a @REQ_PZ-14715 @REQ_PZ-14720 @REQ_PZ-14744 @disruptive @needs_mongodb
    Example: MongoDB is replaced after a crash, and recorded data opens again
      Given a window of recorded data
      When MongoDB crashes
      Then it is replaced within its deadlines
      And that window opens within its deadline

    @RS-05b @REQ_PZ-14721 @REQ_PZ-14726 @REQ_PZ-14744 @disruptive @needs_kubernetes
    Example: RabbitMQ is replaced after a crash, and keeps its name
      When RabbitMQ crashes
      Then it is replaced within its deadlines
      And its replacement bears the same name

    @RS-05c @REQ_PZ-14727 @REQ_PZ-14732 @REQ_PZ-14744 @disruptive @needs_kubernetes
    Example: The server itself is replaced after a crash, and opens investigations again
      Given a connected fibre
      When the server crashes
      Then it is replaced within its deadlines
      And the server answers within its deadline
      And a live investigation opens within its deadline

  Rule: What was stopped works again when it is started

    @RS-05d @REQ_PZ-14716 @REQ_PZ-14722 @REQ_PZ-14725 @REQ_PZ-14728 @REQ_PZ-14730 @REQ_PZ-14731 @disruptive @needs_mongodb
    Scenario Outline: <part> is stopped and started again
      Given <part> is stopped
      When <part> is back
      Then <part> runs as often as before
      And the server answers within its deadline
      And a live investigation opens within its deadline

      Examples: What the product is made of
        | part       | reason                                     |
        | MongoDB    | the index of the recordings                |
        | RabbitMQ   | a set whose members keep their names       |
        | the server | nobody answers while it is stopped         |

  Rule: The site recovers when several parts were away at once

    @RS-06a @REQ_PZ-14738 @REQ_PZ-14739 @REQ_PZ-14740 @disruptive @needs_mongodb
    Scenario Outline: <one> and <other> are both replaced after a crash at the same time
      Given a window of recorded data
      When <one> and <other> crash at the same time
      Then each of them is replaced within its deadlines
      And that window opens within its deadline

      Examples: Every pair
        | one      | other      | reason                                            |
        | MongoDB  | RabbitMQ   | both that the server depends on                   |
        | MongoDB  | the server | the server starts while the index is away         |
        | RabbitMQ | the server | the server starts while the broker is away        |

    @RS-06b @REQ_PZ-14742 @REQ_PZ-14743 @disruptive @needs_mongodb
    Scenario Outline: Recorded data opens again after a start in the order <first>, <second>, <third>
      Given a window of recorded data
      And MongoDB, RabbitMQ and the server are stopped
      When <first>, <second> and <third> are started one after the other
      Then that window opens within its deadline
      And the server was started once

      Examples: Every order
        | first      | second     | third      | reason                                     |
        | MongoDB    | RabbitMQ   | the server | what a start-up script does                |
        | MongoDB    | the server | RabbitMQ   | the broker comes last                      |
        | RabbitMQ   | MongoDB    | the server | the broker comes first                     |
        | RabbitMQ   | the server | MongoDB    | the server has to wait for the index       |
        | the server | MongoDB    | RabbitMQ   | the server has to wait for both            |
        | the server | RabbitMQ   | MongoDB    | the server has to wait longest             |

  Rule: The server starts while something it needs is away

    @RS-07a @REQ_PZ-14712 @disruptive @needs_mongodb
    Example: The server is started while MongoDB is stopped
      Given a window of recorded data
      And MongoDB is stopped
      When the server is restarted
      Then it is ready and answers within its deadline
      And the server was started once

    @RS-07b @REQ_PZ-14712 @disruptive @needs_mongodb
    Example: A server that was started without MongoDB finds it later
      Given a window of recorded data
      And a server that was started while MongoDB was stopped
      When MongoDB is back
      Then that window opens within its deadline
      And the server was started once

    @RS-07c @REQ_PZ-14712 @disruptive @needs_kubernetes
    Example: The server is started while RabbitMQ is stopped
      Given RabbitMQ is stopped
      When the server is restarted
      Then it is ready and answers within its deadline
      And the server was started once
