@DQ
Feature: Few recordings are unrecognised, and each of them can be found
  As the operator of a site I know that a folder now and then cannot be interpreted.
  It is kept apart from the recordings, and tells me where to look.
  When there are many of them, recorded data is lost to everybody.

  Rule: Unrecognised recordings have their own form

    @DQ-04a @REQ_PZ-13809 @needs_mongodb
    Example: An unrecognised recording tells where to look
      When the operator reads all documents of the recording index at one moment
      Then every unrecognised recording tells its folder, its number of files and its last update

    @DQ-04b @REQ_PZ-13809 @needs_mongodb
    Example: Most of what is stored is recognised
      When the operator reads all documents of the recording index at one moment
      Then the share of recognised recordings is large enough
