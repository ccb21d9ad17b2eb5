@RS
Feature: The server says what is missing while the recording index is away
  As somebody who looks at the fibre I want to be told at once that the recording index is away,
  and not to wait for it. As the operator of the site I expect the server to go on with all
  that needs no recordings, whatever the reason is that MongoDB cannot be reached.

  Rule: While MongoDB is away, a historic request is refused quickly and starts nothing

    @RS-01a @REQ_PZ-13603 @REQ_PZ-13767 @negative @disruptive @needs_mongodb
    Example: A window of recorded data is refused while MongoDB is stopped
      Given a window of recorded data
      And MongoDB is stopped
      When a client asks for that window
      Then the request is refused because MongoDB is away
      And nothing is started

    @RS-01b @REQ_PZ-13603 @REQ_PZ-13604 @negative @disruptive @needs_mongodb @needs_network_policies
    Example: MongoDB is cut off from everybody
      Given a window of recorded data
      And MongoDB is cut off
      When a client asks for that window
      Then the request is refused because MongoDB is away
      And nothing is started

    @RS-01c @REQ_PZ-13640 @negative @disruptive @needs_mongodb @needs_link_control
    Scenario Outline: A window is refused when, between the server and MongoDB, <what happens>
      Given a window of recorded data
      And between the server and MongoDB, <what happens>
      When a client asks for that window
      Then the request is refused because MongoDB is away
      And nothing is started

      Examples: Connections that are there and of no use
        | what happens                | reason                                              |
        | every answer comes too late | a server that is only slow must not be waited for   |
        | nothing gets through        | no end of the connection is told                    |
        | the answers are lost        | what is asked arrives, and nothing ever comes back  |
        | every connection is broken  | the end of the connection comes as a surprise       |

  Rule: While MongoDB is away, live requests neither hang nor crash the server

    @RS-02a @REQ_PZ-13603 @disruptive @needs_mongodb
    Example: A live investigation is asked for while MongoDB is stopped
      Given MongoDB is stopped
      When a client asks for a live investigation
      Then it is answered in time, and not with a failure of the server

    @RS-02b @REQ_PZ-14718 @disruptive @needs_mongodb @needs_network_policies
    Example: A live investigation is asked for while MongoDB is cut off
      Given MongoDB is cut off
      When a client asks for a live investigation
      Then it is answered in time, and not with a failure of the server

    @RS-02c @REQ_PZ-14718 @disruptive @needs_mongodb
    Example: The server says that it is alive while MongoDB is stopped
      Given MongoDB is stopped
      When clients ask for recordings, and others whether the server is alive
      Then everybody who asked for it is told in time that it is alive
      And the server was not started again
