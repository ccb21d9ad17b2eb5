@CF
Feature: A client learns what there is before it asks for it
  As a client I ask the server whether it is alive, which channels it has
  and what the fibre is, before I ask for an investigation.
  What it tells must fit together, and be the same when I ask again.

  Rule: The server tells about itself, its channels and its fibre

    @CF-10a @REQ_PZ-14750 @smoke
    Example: The server is alive
      When a client asks what the server tells about itself
      Then the server tells that it is alive

    @CF-10b @REQ_PZ-14750
    Example: The channels have a lowest and a highest
      When a client asks what the server tells about itself
      Then the server tells its lowest and its highest channel

    @CF-10c @REQ_PZ-14751
    Example: The fibre has measures and a description
      Given a connected fibre
      When a client asks what the server tells about itself
      Then the server tells what fibre is connected

    @CF-10d @REQ_PZ-14751
    Example: The channels are those of the fibre
      Given a connected fibre
      When a client asks what the server tells about itself
      Then the server tells as many channels as the fibre has

    @CF-10f @REQ_PZ-13874
    Example: The highest frequency is half of the pulse rate
      Given a connected fibre
      When a client asks what the server tells about itself
      Then the server tells a pulse rate that allows exactly the highest frequency

    @CF-10g @REQ_PZ-14751
    Example: The fibre is as long as its channels and samples
      Given a connected fibre
      When a client asks what the server tells about itself
      Then the server tells measures of its fibre that fit together

    @CF-10h @REQ_PZ-14751 @needs_fibre_control
    Example: Nothing is measured while no fibre is connected
      Given no connected fibre
      When a client asks what the server tells about itself
      Then the server tells that it waits for a fibre

    @CF-10e @REQ_PZ-14750
    Example: Nothing changes between one question and the next
      When a client asks several times what the server tells about itself
      Then the server tells the same each time
