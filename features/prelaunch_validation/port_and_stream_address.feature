@PV
Feature: Port and stream address are valid before a job is launched
  As a client I trust the address I am given. A port that belongs to somebody else,
  or an address that leads nowhere, must never reach me:
  the server checks both before it launches a job.

  Rule: The port is free before launch

    @PV-07a @REQ_PZ-14018 @disruptive @needs_exclusive_cluster
    Example: A port that is occupied by somebody else is not handed out
      Given a connected fibre
      And the port of the next investigation is occupied by another service
      When a client opens a live investigation
      Then it is given a port that nobody else owns
      And a job for it is running within its deadline

    @PV-07b @REQ_PZ-14018 @disruptive @needs_exclusive_cluster
    Example: A port that was occupied is handed out again when it is free
      Given a connected fibre
      And an investigation that was opened and released
      And an opening that found its port occupied by another service
      When a client opens a live investigation
      Then it is given the same slot and the same port

    @PV-07c @REQ_PZ-14018 @load @disruptive @needs_gpu @needs_exclusive_cluster
    Example: The room that an occupied port was to have is given to those that come after it
      Given a connected fibre
      And an investigation that was opened and released
      And an opening that found its port occupied by another service
      And a cluster with one GPU slice free
      And as many open investigations as the site has room for
      When a client asks for a live investigation
      Then the request is refused because the site is full

  Rule: The stream address is valid

    @PV-08a @REQ_PZ-14018 @needs_server_configuration @needs_node_addresses @disruptive
    Example: A server configured with the address of another node hands out that address
      Given a connected fibre
      And a server whose stream address is configured as the address of another node
      When a client opens a live investigation
      Then the answer names a stream URL that leads to the configured address
      And a client can connect to its stream port within the deadline

    @PV-08b @REQ_PZ-14018 @negative @needs_server_configuration @disruptive
    Scenario Outline: A server configured with <address> refuses to open
      Given a connected fibre
      And a server whose stream address is configured as <address>
      When a client asks for a live investigation
      Then the request is refused because of the configured stream address
      And the refusal names every address that is allowed
      And nothing is started

      Examples: Addresses that lead nowhere
        | address                  | reason                              |
        | an impossible address    | no number of it is a valid one      |
        | an address of nobody     | it belongs to no node of the cluster |
        | no address at all        | the setting is empty                |
        | a broken address         | behind the host is no port number   |
