@DQ
Feature: The recording index stands where the server looks, and is quick to search
  As the operator of a site I rely on the index to find what was recorded.
  If the server looks in another place, or two entries claim the same place,
  recordings are lost although they are on the disk. If it must read
  every document, each historic investigation waits.

  Rule: The index is where the server looks

    @DQ-01a @REQ_PZ-13809 @smoke @needs_mongodb
    Example: The configured storage path leads to its recordings
      When the operator reads where the recordings are stored
      Then the recording index has an entry for the storage path
      And the recording index has a collection of recordings behind the entry

    @DQ-01b @REQ_PZ-13809 @needs_mongodb
    Example: The configured storage path leads to one place only
      When the operator reads where the recordings are stored
      Then the recording index has no second entry for the storage path

  Rule: Recordings are looked up without reading all of them

    @DQ-02a @REQ_PZ-13686 @REQ_PZ-13983 @needs_mongodb
    Scenario Outline: There is an index by <field>
      When the operator reads how recordings can be looked up
      Then recordings can be looked up by their <field>

      Examples: What recordings are looked up by
        | field            | reason                                          |
        | start time       | a window is searched for by it                  |
        | end time         | a window is searched for by it                  |
        | mark of deletion | what is deleted must be left out                |
        | uuid             | one recording is fetched or mended by its uuid  |

    @DQ-02b @REQ_PZ-13686 @REQ_PZ-13983 @needs_mongodb
    Example: The index itself refuses a uuid that is taken
      When the operator reads how recordings can be looked up
      Then there is no uuid that could be given to two recordings

    @DQ-02c @REQ_PZ-13686 @REQ_PZ-13983 @needs_mongodb
    Example: A search by time uses an index
      When the operator reads how a search by time is answered
      Then they are found without reading every document
