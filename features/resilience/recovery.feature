@RS
Feature: When the recording index is back, everything is as it was
  As the operator of a site I repair MongoDB and expect the server to find it by itself.
  Nobody should have to restart anything, and no recording that was known before
  may be missing or be there twice afterwards.

  Rule: The server recovers by itself

    @RS-04a @REQ_PZ-14719 @REQ_PZ-13767 @disruptive @needs_mongodb
    Example: What was refused while MongoDB was stopped opens afterwards
      Given a window of recorded data
      And a request for it that was refused while MongoDB was stopped
      When MongoDB is back
      Then the same request opens within its deadline
      And the server was not started again

    @RS-04b @REQ_PZ-14719 @disruptive @needs_mongodb @needs_network_policies
    Example: What was refused while MongoDB was cut off opens afterwards
      Given a window of recorded data
      And a request for it that was refused while MongoDB was cut off
      When MongoDB is back
      Then the same request opens within its deadline
      And the server was not started again

  Rule: No recording is lost in an outage, and none is there twice

    @RS-04c @REQ_PZ-13687 @REQ_PZ-13810 @REQ_PZ-14719 @disruptive @needs_mongodb
    Example: MongoDB was stopped
      Given the recording index as it is now
      And MongoDB is stopped
      When MongoDB is back
      Then the index has every recording that it held, and none twice
      And the index has the collections and indexes that it had

    @RS-04d @REQ_PZ-13687 @REQ_PZ-14715 @disruptive @needs_mongodb
    Example: MongoDB has crashed
      Given the recording index as it is now
      When MongoDB crashes
      Then it is replaced within its deadlines
      And the index has every recording that it held, and none twice
      And the index has the collections and indexes that it had

  Rule: The way in which an outage is made can be trusted

    @RS-03a @REQ_PZ-13603 @disruptive @needs_mongodb @needs_network_policies
    Example: What was cut off is found again
      Given a window of recorded data
      And MongoDB is cut off
      When MongoDB is back
      Then that window opens within its deadline

    @RS-03b @REQ_PZ-14716 @disruptive @needs_mongodb
    Example: What was stopped runs as often as before
      Given MongoDB is stopped
      When MongoDB is back
      Then MongoDB runs as often as before

  Rule: An outage in the middle of many openings leaves nothing half open

    @RS-04e @REQ_PZ-13604 @REQ_PZ-14717 @disruptive @load @needs_mongodb
    Example: MongoDB is stopped while clients open historic investigations
      Given a window of recorded data
      When MongoDB is stopped while many clients open that window one after the other
      Then some of them were opened and the others refused because MongoDB is away
      And each of them is fully open or fully absent

    @RS-04f @REQ_PZ-14729 @disruptive @load @needs_kubernetes
    Example: What was opened survives a crash of the server, and nothing is left of the rest
      Given a connected fibre
      When the server crashes while many clients open live investigations one after the other
      Then some of them were opened and the others got no answer
      And it is replaced within its deadlines
      And in the end each of them is fully open or fully absent
