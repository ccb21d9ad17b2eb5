@DQ
Feature: The metadata say how the fibre was sampled, and keep secrets to themselves
  As a client I read from the metadata what the samples are, and how many make a channel.
  If that is missing or contradicts itself I show nonsense.
  As the operator of a site I know that everybody can read them,
  so no password may stand in them.

  Rule: No password stands in the metadata

    @DQ-07a @needs_mongodb
    Example: The commands that made the recordings carry no password
      When the operator reads the commands that made the recordings
      Then there is no command that carries a password

    @DQ-07b
    Example: What a client is told about a recording carries no password
      When a client asks for a window inside a recording
      Then the answer carries no password

  Rule: The data type and the sampling are told, allowed and free of contradiction

    @DQ-08a @REQ_PZ-13985 @needs_mongodb
    Example: The newest recordings tell what their samples are
      When the operator reads the metadata of the newest recordings
      Then the metadata tell an allowed data type
      And the metadata tell how the fibre was sampled

    @DQ-08b @needs_mongodb
    Example: The newest recordings count samples and channels without contradiction
      When the operator reads the metadata of the newest recordings
      Then the metadata tell samples and channels that agree

    @DQ-08c @REQ_PZ-13985 @needs_fibre
    Example: The live fibre tells what its samples are
      Given a connected fibre
      When the operator reads the metadata of the live fibre
      Then the metadata tell an allowed data type
      And the metadata tell how the fibre was sampled

    @DQ-08d @needs_fibre
    Example: The live fibre counts samples and channels without contradiction
      Given a connected fibre
      When the operator reads the metadata of the live fibre
      Then the metadata tell samples and channels that agree
