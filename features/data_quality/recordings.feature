@DQ
Feature: The recording index holds what it says it holds
  As the operator of a site I trust the index as I would trust the recordings themselves.
  One document that is half written, left open or counted twice
  makes an investigation fail in a way nobody understands,
  so every document is looked at, and each that offends is named.

  Rule: Every recording is well-formed

    @DQ-03a @REQ_PZ-13811 @REQ_PZ-13684 @needs_mongodb
    Scenario Outline: No recording lacks <part>
      When the operator reads all documents of the recording index at one moment
      Then every recording has <part>

      Examples: What a recording consists of
        | part                                 | reason                                      |
        | a uuid                               | it is known by it everywhere                |
        | a start time                         | without it no window can contain it         |
        | an end time, unless it is still open | only a recording in progress has none       |
        | a mark whether it is deleted         | deleted recordings must be told from others |

    @DQ-03b @REQ_PZ-13811 @REQ_PZ-13684 @needs_mongodb
    Example: No recording runs backwards
      When the operator reads all documents of the recording index at one moment
      Then every recording ends after it starts, unless it is still open

    @DQ-03c @REQ_PZ-13811 @REQ_PZ-13684 @needs_mongodb
    Example: No uuid stands for two recordings
      When the operator reads all documents of the recording index at one moment
      Then there is no uuid that two recordings share

    @DQ-03d @REQ_PZ-13811 @needs_mongodb
    Example: Nothing was recorded twice
      When the operator reads all documents of the recording index at one moment
      Then neighbouring recordings overlap no longer than allowed

  Rule: No recording is left open

    @DQ-05a @REQ_PZ-13812 @REQ_PZ-13685 @needs_mongodb
    Example: Whatever is open was begun within the last day
      When the operator reads all documents of the recording index at one moment
      Then there is no recording that is stale

  Rule: Every document has exactly one class

    @DQ-06a @REQ_PZ-13705 @needs_mongodb
    Example: The classes add up to the whole
      When the operator reads all documents of the recording index at one moment
      Then each document is historical, live, stale, deleted or invalid, and nothing else besides

    @DQ-06b @REQ_PZ-13705 @REQ_PZ-13812 @needs_mongodb
    Example: Nothing in the index is without a beginning
      When the operator reads all documents of the recording index at one moment
      Then there is no document that is invalid
