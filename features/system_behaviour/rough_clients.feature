@SB
Feature: The server survives what its clients do
  As the operator of a site I cannot choose my clients. Some leave before they have finished,
  some are slow, some send far too much, and all of them may come at once.
  None of this may be felt by anybody else.

  Rule: The server survives what its clients do

    @SB-05a @REQ_PZ-13873
    Example: The server goes on answering when a client leaves before it has finished
      When a client sends half of its request and leaves
      Then the server goes on answering

    @SB-05b @REQ_PZ-13873 @alone
    Example: A slow client is answered, and the others do not wait for it
      When a client sends its request little by little
      Then the others are answered in time meanwhile
      And the slow client is answered too

    @SB-05c @REQ_PZ-13873 @negative
    Example: A request that is far too large is refused, and the server goes on answering
      When a client asks for an investigation with a body that is far too large
      Then the server goes on answering
      And the request is refused because of its size
      And nothing is started

    @SB-05d @REQ_PZ-13873 @load @alone
    Example: Many clients at once are all told that the server is alive
      When many clients ask at once whether the server is alive
      Then every one of them is told so
      And the server goes on answering
